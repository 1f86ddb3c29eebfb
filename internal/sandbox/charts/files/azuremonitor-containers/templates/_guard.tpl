{{- /* As with the chart that this one stands for: without workspace, key and name there is no agent, and no error. */ -}}
{{- define "given" -}}
{{- $a := .Values.amalogs -}}
{{- $named := or (ne $a.env.clusterName "<your_cluster_name>") (ne $a.env.clusterId "<your_cluster_id>") (ne .Values.Azure.Cluster.ResourceId "<your_cluster_id>") -}}
{{- if and $named (ne $a.secret.key "<your_workspace_key>") (ne $a.secret.wsid "<your_workspace_id>") }}yes{{ end -}}
{{- end -}}
