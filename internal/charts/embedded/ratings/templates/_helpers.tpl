{{- define "ratings.name" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end -}}

{{- define "ratings.selector" -}}
app.kubernetes.io/name: ratings
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .tier }}
{{- end -}}

{{- define "ratings.labels" -}}
{{ include "ratings.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "ratings.image" -}}
{{- $i := .image -}}
{{- if $i.digest }}{{ printf "%s/%s@%s" .root.Values.images.registry $i.repository $i.digest }}{{ else }}{{ printf "%s/%s:%s" .root.Values.images.registry $i.repository (required "an image needs a tag or a digest" $i.tag) }}{{ end -}}
{{- end -}}

{{- define "ratings.secret" -}}
{{- default (printf "%s-mongodb" (include "ratings.name" .)) .Values.mongodb.existingSecret -}}
{{- end -}}

{{- define "ratings.tlsSecret" -}}
{{- default (printf "%s-tls" (include "ratings.name" .)) .Values.ingress.tls.secretName -}}
{{- end -}}

{{- /* What every pod has in common: no root, no privileges, no token. */ -}}
{{- define "ratings.pod" -}}
serviceAccountName: {{ include "ratings.name" .root }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "ratings.selector" . | nindent 8 }}
{{- end -}}

{{- define "ratings.container" -}}
imagePullPolicy: {{ .Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- /* How many there are, where something else decides that. */ -}}
{{- define "ratings.replicas" -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace .name -}}
{{- $scaled := false -}}
{{- range (lookup "autoscaling/v2" "HorizontalPodAutoscaler" .root.Release.Namespace "").items -}}
{{- if and (eq .spec.scaleTargetRef.kind "Deployment") (eq .spec.scaleTargetRef.name $.name) }}{{ $scaled = true }}{{ end -}}
{{- end -}}
{{- if and $live $scaled }}{{ $live.spec.replicas }}{{ else }}{{ .replicas }}{{ end -}}
{{- end -}}

{{- define "ratings.members" -}}
{{- $name := include "ratings.name" . -}}
{{- range $i := until (int .Values.mongodb.replicas) }}{{ if $i }},{{ end }}{{ $name }}-mongodb-{{ $i }}.{{ $name }}-mongodb.{{ $.Release.Namespace }}.svc:27017{{ end -}}
{{- end -}}
