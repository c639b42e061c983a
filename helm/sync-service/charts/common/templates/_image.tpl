{{- /* The image reference: registry/repository, then @digest or :tag. */ -}}
{{- define "common.image" -}}
{{- $repository := .Values.image.repository | default (printf "emr-platform/%s" .Chart.Name) -}}
{{- with include "common.image.registry" . }}{{ . }}/{{ end -}}
{{- $repository -}}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "common.image.registry" -}}
{{- $aws := .Values.global.aws -}}
{{- if .Values.image.registry -}}
{{- .Values.image.registry -}}
{{- else if $aws.accountId -}}
{{- printf "%s.dkr.ecr.%s.amazonaws.com" $aws.accountId $aws.region -}}
{{- end -}}
{{- end -}}
