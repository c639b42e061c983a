{{- /* Identity towards AWS only (EKS mounts that token itself); the Kubernetes API is none of the services' business. */ -}}
{{- define "common.serviceaccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
  {{- with include "common.serviceaccount.roleArn" . }}
  annotations:
    eks.amazonaws.com/role-arn: {{ . }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{- define "common.serviceaccount.roleArn" -}}
{{- $account := .Values.global.aws.accountId -}}
{{- if .Values.serviceAccount.roleArn -}}
{{- .Values.serviceAccount.roleArn -}}
{{- else if $account -}}
{{- printf "arn:aws:iam::%s:role/emr-platform-%s-%s" $account (include "common.environment" .) .Chart.Name -}}
{{- end -}}
{{- end -}}
