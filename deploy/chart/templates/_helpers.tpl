{{- define "managed-dhcp.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "managed-dhcp.natsUrl" -}}
{{- if .Values.nats.enabled -}}
{{- if .Values.nats.caConfigMap }}{{ fail "nats.caConfigMap is for a broker of yours: set nats.enabled=false and nats.url" }}{{ end -}}
nats://managed-dhcp-nats:4222
{{- else -}}
{{ required "nats.enabled is false: nats.url must say where your broker is, e.g. nats://nats.nats.svc:4222" .Values.nats.url }}
{{- end -}}
{{- end }}

{{- /* The ports of the broker's addresses; 4222 where an address says none. */}}
{{- define "managed-dhcp.natsPorts" -}}
{{- $ports := list }}
{{- range splitList "," (include "managed-dhcp.natsUrl" .) }}
{{- $ports = append $ports (regexFind ":[0-9]+$" (trimSuffix "/" (trim .)) | trimPrefix ":" | default "4222") }}
{{- end }}
{{- range uniq $ports }}
- port: {{ . }}
{{- end }}
{{- end }}

{{- define "managed-dhcp.natsCaEnvironment" -}}
- name: NATS_CA_FILE
  value: /etc/managed-dhcp/nats-ca/ca.crt
- name: NATS_CA_CONFIG_MAP
  value: {{ .Values.nats.caConfigMap | quote }}
{{- end }}

{{- define "managed-dhcp.natsCaMount" -}}
- name: nats-ca
  mountPath: /etc/managed-dhcp/nats-ca
  readOnly: true
{{- end }}

{{- define "managed-dhcp.natsCaVolume" -}}
- name: nats-ca
  configMap:
    name: {{ .Values.nats.caConfigMap | quote }}
{{- end }}

{{- define "managed-dhcp.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
