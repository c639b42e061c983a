{{- /* Settings that are no secrets; the pods get each entry as an environment variable. */ -}}
{{- define "common.configmap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
data:
  {{- include "common.configmap.data" . | nindent 2 }}
{{- end -}}

{{- define "common.configmap.data" -}}
{{- $profile := include "common.profile" . | fromYaml -}}
ENVIRONMENT: {{ include "common.environment" . }}
SERVICE_NAME: {{ .Chart.Name }}
PORT: "8080"
{{- range $profile.stores }}
{{ include (printf "common.configmap.%s" .) $ }}
{{- end }}
{{- range $profile.upstreams }}
{{ . | snakecase | upper }}_URL: {{ printf "http://%s:8080" . | quote }}
{{- end }}
{{- include "common.configmap.settings" (dict "prefix" "" "values" .Values.config) }}
{{- end -}}

{{- /* Encryption and identity of the connections. Not values: nobody may switch them off. */ -}}
{{- define "common.configmap.database" -}}
DATABASE_SSL_MODE: verify-full
DATABASE_SSL_ROOT_CERT: /etc/ssl/certs/rds-global-bundle.pem
{{- end -}}

{{- define "common.configmap.redis" -}}
REDIS_SCHEME: rediss
REDIS_TLS: "true"
{{- end -}}

{{- define "common.configmap.kafka" -}}
KAFKA_SECURITY_PROTOCOL: SASL_SSL
KAFKA_SASL_MECHANISM: AWS_MSK_IAM
KAFKA_GROUP_ID: {{ .Chart.Name }}
{{- end -}}

{{- /*
One variable per leaf of .Values.config: rateLimit.max becomes RATE_LIMIT_MAX, a list becomes "a,b".
toJson, because Go prints the number 1048576 of a values file as 1.048576e+06.
*/ -}}
{{- define "common.configmap.settings" -}}
{{- range $key, $value := .values -}}
{{- $name := printf "%s%s" $.prefix ($key | snakecase | upper) -}}
{{- if kindIs "map" $value -}}
{{- include "common.configmap.settings" (dict "prefix" (printf "%s_" $name) "values" $value) -}}
{{- else if kindIs "slice" $value }}
{{ $name }}: {{ join "," $value | quote }}
{{- else if kindIs "string" $value }}
{{ $name }}: {{ quote $value }}
{{- else if not (kindIs "invalid" $value) }}
{{ $name }}: {{ toJson $value | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
