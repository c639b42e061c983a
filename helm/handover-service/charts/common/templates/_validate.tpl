{{- /*
What the schema of the values cannot say. Each message names the service, what is wrong and what to write instead.
*/ -}}
{{- define "common.validate" -}}
{{- include "common.validate.environment" . -}}
{{- include "common.validate.image" . -}}
{{- include "common.validate.autoscaling" . -}}
{{- include "common.validate.times" . -}}
{{- end -}}

{{- /* One environment's values in another's namespace. A namespace of no documented environment may borrow any values. */ -}}
{{- define "common.validate.environment" -}}
{{- $environment := include "common.environment" . -}}
{{- $declared := .Values.global.environment | default $environment -}}
{{- if and (ne $declared $environment) (has $environment (list "development" "staging" "production")) -}}
  {{- fail (printf "%s: values of %s in the namespace of %s; use --namespace emr-platform-%s, or --values values-%s.yaml" .Chart.Name $declared $environment $declared $environment) -}}
{{- end -}}
{{- end -}}

{{- /* A tag that moves changes what runs without a release, and a rollback to it brings back nothing. */ -}}
{{- define "common.validate.image" -}}
{{- $image := .Values.image -}}
{{- if and (not $image.digest) (has $image.tag (list "latest" "stable" "main" "master" "develop" "edge" "nightly")) -}}
  {{- fail (printf "%s: the image tag %s moves; set image.tag to a version (v1.2.3) or a commit, or image.digest" .Chart.Name $image.tag) -}}
{{- end -}}
{{- if and .Values.global.aws.accountId (not .Values.global.aws.region) (not $image.registry) -}}
  {{- fail (printf "%s: the registry of account %s needs a region; set global.aws.region (us-east-1), or image.registry" .Chart.Name .Values.global.aws.accountId) -}}
{{- end -}}
{{- end -}}

{{- define "common.validate.autoscaling" -}}
{{- $least := include "common.hpa.leastReplicas" . | int -}}
{{- $min := include "common.hpa.minReplicas" . | int -}}
{{- $max := .Values.autoscaling.maxReplicas | int -}}
{{- if lt $min $least -}}
  {{- fail (printf "%s: autoscaling.minReplicas is %d; %s needs at least %d" .Chart.Name $min (include "common.environment" .) $least) -}}
{{- end -}}
{{- if lt $max $min -}}
  {{- fail (printf "%s: autoscaling.maxReplicas is %d, less than the %d pods that always run; set at least %d" .Chart.Name $max $min $min) -}}
{{- end -}}
{{- end -}}

{{- define "common.validate.times" -}}
{{- $preStop := include "common.deployment.preStopSeconds" . | int -}}
{{- $deadline := include "common.deployment.progressDeadlineSeconds" . | int -}}
{{- if le (.Values.terminationGracePeriodSeconds | int) $preStop -}}
  {{- fail (printf "%s: terminationGracePeriodSeconds is %v, but the preStop pause alone takes %d; set at least %d" .Chart.Name .Values.terminationGracePeriodSeconds $preStop (add $preStop 15)) -}}
{{- end -}}
{{- if ge (.Values.startupSeconds | int) $deadline -}}
  {{- fail (printf "%s: startupSeconds is %v, but the roll-out is called failed after %d; set less than that" .Chart.Name .Values.startupSeconds $deadline) -}}
{{- end -}}
{{- end -}}
