{{- /* What this service is; the keys are explained in helm/common/templates/_names.tpl. */ -}}
{{- define "api-gateway.profile" -}}
# Redis keeps the counters of the rate limit, which all pods share.
public: true
callers: []
upstreams: [task-service, emr-service, sync-service, handover-service]
stores: [redis]
secrets:
  JWT_SIGNING_KEY: jwt_signing_key
{{- end -}}
