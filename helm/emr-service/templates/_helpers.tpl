{{- /* What this service is; the keys are explained in helm/common/templates/_names.tpl. */ -}}
{{- define "emr-service.profile" -}}
public: false
callers: [api-gateway]
upstreams: []
stores: [database, redis, kafka]
secrets:
  FHIR_CLIENT_ID: fhir_client_id
  FHIR_CLIENT_SECRET: fhir_client_secret
{{- end -}}
