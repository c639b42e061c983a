{{- /*
Naming both policy types denies everything that is not listed. The kubelet's probes need no rule: a pod's own node may
always reach it. The second policy is for the pod of `helm test`.
*/ -}}
{{- define "common.networkpolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- include "common.networkpolicy.ingress" . | trim | nindent 4 }}
  egress:
    {{- include "common.networkpolicy.egress" . | trim | nindent 4 }}
{{- end -}}

{{- define "common.networkpolicy.ingress" -}}
{{- $profile := include "common.profile" . | fromYaml -}}
{{- /* The load balancer is no pod: its addresses are those of its subnets. */ -}}
{{- if $profile.public }}
{{- $internal := eq .Values.ingress.scheme "internal" }}
# the load balancer
{{ include "common.networkpolicy.from" (dict "cidrs" ($internal | ternary .Values.network.privateCidrs .Values.network.publicCidrs)) }}
{{- end }}
{{- with $profile.callers }}
# the services that call this one
- from:
    {{- range . }}
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ . }}
    {{- end }}
  ports:
    - protocol: TCP
      port: 8080
{{- end }}
# `helm test`, and the CloudWatch agent that reads /metrics
- from:
    - podSelector:
        matchLabels:
          {{- include "common.test.selectorLabels" . | nindent 10 }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: amazon-cloudwatch
  ports:
    - protocol: TCP
      port: 8080
{{- with .Values.network.controlPlaneCidrs }}
# the service proxy of the Kubernetes API
{{ include "common.networkpolicy.from" (dict "cidrs" .) }}
{{- end }}
{{- end -}}

{{- define "common.networkpolicy.egress" -}}
{{- $profile := include "common.profile" . | fromYaml -}}
{{- $network := .Values.network -}}
{{ include "common.networkpolicy.dns" . }}
# AWS APIs, through their VPC endpoints
{{ include "common.networkpolicy.to" (dict "cidrs" $network.privateCidrs "port" 443) }}
{{- range $profile.stores }}
# {{ . }}
{{ include "common.networkpolicy.to" (dict "cidrs" $network.databaseCidrs "port" (get (dict "database" 5432 "redis" 6379 "kafka" 9098) .)) }}
{{- end }}
{{- with $profile.upstreams }}
# the services that this one calls
- to:
    {{- range . }}
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ . }}
    {{- end }}
  ports:
    - protocol: TCP
      port: 8080
{{- end }}
{{- with $network.externalCidrs }}
# outside the VPC
{{ include "common.networkpolicy.to" (dict "cidrs" . "port" 443) }}
{{- end }}
{{- end -}}

{{- define "common.networkpolicy.dns" -}}
# names
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end -}}

{{- define "common.networkpolicy.from" -}}
- from:
    {{- range .cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    - protocol: TCP
      port: 8080
{{- end -}}

{{- /* "Anywhere" never means the VPC, other private networks, or the metadata service of the nodes. */ -}}
{{- define "common.networkpolicy.to" -}}
- to:
    {{- range .cidrs }}
    - ipBlock:
        cidr: {{ . }}
        {{- if eq . "0.0.0.0/0" }}
        except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16]
        {{- end }}
    {{- end }}
  ports:
    - protocol: TCP
      port: {{ .port }}
{{- end -}}
