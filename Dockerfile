# The dashboard as one static binary. The sandbox is for machines with Go.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /hubwright ./cmd/hubwright

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /hubwright /hubwright
USER 65532:65532
ENV HUBWRIGHT_LISTEN=0.0.0.0:8480 HUBWRIGHT_DATA=/data
VOLUME /data
EXPOSE 8480
ENTRYPOINT ["/hubwright"]
CMD ["serve"]
