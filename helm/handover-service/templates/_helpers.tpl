{{- /* What this service is; the keys are explained in helm/common/templates/_names.tpl. */ -}}
{{- define "handover-service.profile" -}}
public: false
callers: [api-gateway]
upstreams: []
stores: [database, redis, kafka]
secrets: {}
{{- end -}}
