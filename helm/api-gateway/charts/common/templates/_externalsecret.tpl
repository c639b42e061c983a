{{- /*
The service's secrets, by reference: External Secrets copies them from AWS Secrets Manager into the Secret that the pods
mount. Terraform makes the entries, endpoints included.
*/ -}}
{{- define "common.externalsecret" -}}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  refreshInterval: 15m
  secretStoreRef:
    kind: ClusterSecretStore
    name: aws-secrets-manager
  target:
    name: {{ .Chart.Name }}
    creationPolicy: Owner
    # a lost entry in Secrets Manager must not take the credentials from running pods
    deletionPolicy: Retain
  data:
    {{- include "common.externalsecret.data" . | trim | nindent 4 }}
{{- end -}}

{{- define "common.externalsecret.data" -}}
{{- $profile := include "common.profile" . | fromYaml -}}
{{- $prefix := printf "emr-platform/%s" (include "common.environment" .) -}}
{{- range $store := $profile.stores }}
{{- range $name, $property := include (printf "common.externalsecret.%s" $store) $ | fromYaml }}
{{ include "common.externalsecret.entry" (dict "name" $name "key" (printf "%s/%s" $prefix $store) "property" $property) }}
{{- end }}
{{- end }}
{{- range $name, $property := $profile.secrets }}
{{ include "common.externalsecret.entry" (dict "name" $name "key" (printf "%s/%s" $prefix $.Chart.Name) "property" $property) }}
{{- end }}
{{- end -}}

{{- define "common.externalsecret.entry" -}}
- secretKey: {{ .name }}
  remoteRef:
    key: {{ .key }}
    property: {{ .property }}
{{- end -}}

{{- /* Per store: file name for the pods, property of the entry in Secrets Manager. */ -}}
{{- define "common.externalsecret.database" -}}
DATABASE_HOST: host
DATABASE_PORT: port
DATABASE_NAME: dbname
DATABASE_USERNAME: username
DATABASE_PASSWORD: password
{{- end -}}

{{- define "common.externalsecret.redis" -}}
REDIS_HOST: host
REDIS_PORT: port
REDIS_AUTH_TOKEN: auth_token
{{- end -}}

{{- define "common.externalsecret.kafka" -}}
KAFKA_BOOTSTRAP_SERVERS: bootstrap_servers
{{- end -}}
