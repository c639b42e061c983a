{{- /* Grows at once and by half its size a minute; shrinks one pod at a time, after five calm minutes. */ -}}
{{- define "common.hpa" -}}
{{- $autoscaling := .Values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .Chart.Name }}
  minReplicas: {{ include "common.hpa.minReplicas" . }}
  maxReplicas: {{ $autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $autoscaling.targetCpuPercent }}
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: {{ $autoscaling.targetMemoryPercent }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      selectPolicy: Max
      policies:
        - type: Percent
          value: 50
          periodSeconds: 60
        - type: Pods
          value: 2
          periodSeconds: 60
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - type: Pods
          value: 1
          periodSeconds: 60
{{- end -}}

{{- /* One pod per zone in production, also where the values file of the environment was forgotten. */ -}}
{{- define "common.hpa.leastReplicas" -}}
{{- eq (include "common.environment" .) "production" | ternary 3 2 -}}
{{- end -}}

{{- define "common.hpa.minReplicas" -}}
{{- .Values.autoscaling.minReplicas | default (include "common.hpa.leastReplicas" .) -}}
{{- end -}}
