{{- /*
An AWS load balancer that speaks nothing older than TLS 1.2 and answers plain HTTP with a redirect only. It wears the
security group and writes to the bucket that Terraform made for it, both found by their names.
*/ -}}
{{- define "common.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
  annotations:
    {{- include "common.ingress.annotations" . | nindent 4 }}
spec:
  ingressClassName: alb
  tls:
    - hosts:
        - {{ include "common.ingress.host" . }}
  rules:
    - host: {{ include "common.ingress.host" . }}
      http:
        # Only these: the load balancer answers 404 to the rest, /metrics among it
        paths:
          {{- range .Values.ingress.paths }}
          - path: {{ . }}
            pathType: Prefix
            backend:
              service:
                name: {{ $.Chart.Name }}
                port:
                  name: http
          {{- end }}
{{- end -}}

{{- define "common.ingress.host" -}}
{{- $environment := include "common.environment" . -}}
{{- if .Values.ingress.host -}}
{{- .Values.ingress.host -}}
{{- else if eq $environment "production" -}}
api.{{ .Values.ingress.domain }}
{{- else -}}
api.{{ $environment }}.{{ .Values.ingress.domain }}
{{- end -}}
{{- end -}}

{{- define "common.ingress.annotations" -}}
{{- $ingress := .Values.ingress -}}
alb.ingress.kubernetes.io/scheme: {{ $ingress.scheme }}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/security-groups: {{ $ingress.securityGroup | default (printf "emr-platform-%s-alb" (include "common.environment" .)) }}
alb.ingress.kubernetes.io/listen-ports: '[{"HTTP": 80}, {"HTTPS": 443}]'
alb.ingress.kubernetes.io/ssl-redirect: "443"
alb.ingress.kubernetes.io/ssl-policy: {{ $ingress.sslPolicy }}
{{- with $ingress.certificateArn }}
alb.ingress.kubernetes.io/certificate-arn: {{ . }}
{{- end }}
{{- with $ingress.webAclArn }}
alb.ingress.kubernetes.io/wafv2-acl-arn: {{ . }}
{{- end }}
alb.ingress.kubernetes.io/healthcheck-path: /health/ready
alb.ingress.kubernetes.io/healthcheck-interval-seconds: "10"
alb.ingress.kubernetes.io/healthcheck-timeout-seconds: "5"
alb.ingress.kubernetes.io/success-codes: "200"
alb.ingress.kubernetes.io/load-balancer-attributes: {{ include "common.ingress.loadBalancerAttributes" . }}
# less than the pods' grace period, so that a request under way ends before its pod does
alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=30
alb.ingress.kubernetes.io/tags: {{ printf "Project=emr-platform,Environment=%s,Service=%s" (include "common.environment" .) .Chart.Name }}
{{- end -}}

{{- define "common.ingress.loadBalancerAttributes" -}}
{{- $attributes := list "routing.http.drop_invalid_header_fields.enabled=true" "idle_timeout.timeout_seconds=60" -}}
{{- if eq (include "common.environment" .) "production" -}}
{{- $attributes = append $attributes "deletion_protection.enabled=true" -}}
{{- end -}}
{{- with include "common.ingress.accessLogsBucket" . -}}
{{- $attributes = append $attributes "access_logs.s3.enabled=true" -}}
{{- $attributes = append $attributes (printf "access_logs.s3.bucket=%s" .) -}}
{{- $attributes = append $attributes (printf "access_logs.s3.prefix=%s" $.Chart.Name) -}}
{{- end -}}
{{- join "," $attributes -}}
{{- end -}}

{{- define "common.ingress.accessLogsBucket" -}}
{{- $account := .Values.global.aws.accountId -}}
{{- if .Values.ingress.accessLogsBucket -}}
{{- .Values.ingress.accessLogsBucket -}}
{{- else if $account -}}
{{- printf "emr-platform-%s-access-logs-%s" (include "common.environment" .) $account -}}
{{- end -}}
{{- end -}}
