{{- define "managed-dhcp.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "managed-dhcp.natsUrl" -}}
{{- if .Values.nats.enabled -}}
nats://managed-dhcp-nats:4222
{{- else -}}
{{ required "nats.enabled is false: nats.url must say where your broker is, e.g. nats://nats.nats.svc:4222" .Values.nats.url }}
{{- end -}}
{{- end }}

{{- define "managed-dhcp.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
