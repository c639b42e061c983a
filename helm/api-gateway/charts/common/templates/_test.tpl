{{- /*
`helm test`: a pod of its own asks the Service for its three health paths, as a caller would, so that DNS, Service,
NetworkPolicy and readiness are tested together. The service's image will not do: it need not have a client, and its pods
may not call themselves. Its labels keep it out of the Service and the disruption budget, and are what the service's
NetworkPolicy lets in; its own policy lets out nothing but this call. It retries: policies reach a new pod with a delay.
*/ -}}
{{- define "common.test" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .Chart.Name }}-test
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "common.test.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "common.networkpolicy.dns" . | nindent 4 }}
    - to:
        - podSelector:
            matchLabels:
              {{- include "common.selectorLabels" . | nindent 14 }}
      ports:
        - protocol: TCP
          port: 8080
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Chart.Name }}-test
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.test.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/part-of: emr-platform
  annotations:
    helm.sh/hook: test
    # kept afterwards, for `helm test --logs`
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- include "common.test.podSpec" . | nindent 2 }}
{{- end -}}

{{- define "common.test.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "common.test.podSpec" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
activeDeadlineSeconds: 120
securityContext:
  {{- include "common.security.pod" . | nindent 2 }}
containers:
  - name: health
    image: {{ .Values.test.image | quote }}
    securityContext:
      {{- include "common.security.container" . | nindent 6 }}
    command:
      - sh
      - -c
      - |
        for path in startup live ready; do
          for attempt in 1 2 3 4 5; do
            if wget -q -T 5 -O /dev/null "http://{{ .Chart.Name }}:8080/health/$path"; then
              echo "/health/$path answers"
              continue 2
            fi
            sleep 3
          done
          echo "/health/$path does not answer with 200"
          exit 1
        done
    resources:
      requests:
        cpu: 10m
        memory: 32Mi
      limits:
        memory: 32Mi
{{- end -}}
