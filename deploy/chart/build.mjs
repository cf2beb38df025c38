// Makes the chart's templates of what `kubectl kustomize` builds of the overlays: one source, two ways to install.
//   node deploy/chart/build.mjs            writes templates/
//   node deploy/chart/build.mjs --check    says whether they are up to date, and writes nothing
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { dump, loadAll } from 'js-yaml'

const OVERLAYS = fileURLToPath(new URL('../overlays/', import.meta.url))
const TEMPLATES = fileURLToPath(new URL('templates/', import.meta.url))
const NAMESPACE = 'harvester-system'
const IMAGE = 'managed-dhcp:0.1.0'
const HEADER = '# Made by deploy/chart/build.mjs of the kustomize bases: change those.\n'

/** An overlay shows what a value changes: objects that come, go or differ. */
const VARIANTS = [
  { overlay: 'nats-cluster', condition: 'and .Values.nats.enabled .Values.nats.cluster' },
  { overlay: 'existing-nats', condition: 'not .Values.nats.enabled' },
  { overlay: 'cert-manager', condition: '.Values.webhook.certManager' },
  { overlay: 'monitoring', condition: '.Values.serviceMonitor.enabled' },
]

const files = chartFiles()
if (process.argv.includes('--check')) check()
else write()

function write() {
  for (const name of generatedNow()) rmSync(join(TEMPLATES, name))
  for (const [name, text] of files) writeFileSync(join(TEMPLATES, name), text)
}

function check() {
  const stale = [...files].flatMap(([name, text]) => (readOrEmpty(name) === text ? [] : [name]))
  const left = generatedNow().filter((name) => !files.has(name))
  if (stale.length + left.length === 0) return
  process.stderr.write(
    `deploy/chart/templates is out of date (${[...stale, ...left].join(', ')}): run "node deploy/chart/build.mjs"\n`,
  )
  process.exit(1)
}

function generatedNow() {
  return readdirSync(TEMPLATES).filter((name) => name.endsWith('.yaml'))
}

function readOrEmpty(name) {
  return generatedNow().includes(name) ? readFileSync(join(TEMPLATES, name), 'utf8') : ''
}

/** File name → template. */
function chartFiles() {
  const standard = build('default')
  const variants = VARIANTS.map(({ overlay, condition }) => ({ condition, objects: build(overlay) }))
  const names = new Set(
    [standard, ...variants.map(({ objects }) => objects)].flatMap((one) => [...one.keys()]),
  )
  const result = new Map()
  for (const name of [...names].sort()) {
    const file = `${componentOf(name, [standard, ...variants.map(({ objects }) => objects)])}.yaml`
    const text = withVariants(standard.get(name), variants, name)
    result.set(file, `${result.get(file) ?? HEADER}${text}`)
  }
  return result
}

/** The object as it is by default, or as the first value that applies makes it. */
function withVariants(standard, variants, name) {
  const different = variants.filter(({ objects }) => !isDeepStrictEqual(objects.get(name), standard))
  const branches = different.map(({ condition, objects }) => ({ condition, object: objects.get(name) }))
  // The order of the branches is the order of need: without a broker, its kind of cluster does not matter.
  branches.sort((a, b) => Number(a.object !== undefined) - Number(b.object !== undefined))
  if (branches.length === 0) return template(standard)
  const lines = branches.map(({ condition, object }, index) => {
    const keyword = index === 0 ? 'if' : 'else if'
    return `{{- ${keyword} ${condition} }}\n${object === undefined ? '' : template(object)}`
  })
  const last = standard === undefined ? '' : `{{- else }}\n${template(standard)}`
  return `${lines.join('')}${last}{{- end }}\n`
}

/** By "kind name", a ConfigMap without the hash of its content. */
function build(overlay) {
  const text = execFileSync('kubectl', ['kustomize', join(OVERLAYS, overlay)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  const objects = loadAll(text).filter(({ kind }) => kind !== 'CustomResourceDefinition')
  return new Map(objects.map((object) => [keyOf(object), object]))
}

function keyOf({ kind, metadata }) {
  const name = kind === 'ConfigMap' ? metadata.name.replace(/-[a-z0-9]{10}$/, '') : metadata.name
  return `${kind} ${name}`
}

/** The file of an object; users' roles and what watches all of it belong to none of the components. */
function componentOf(name, builds) {
  const object = builds.map((objects) => objects.get(name)).find((one) => one !== undefined)
  if (/monitoring\.coreos\.com/.test(object.apiVersion) || name.includes('dashboard')) return 'monitoring'
  return object.metadata.labels['app.kubernetes.io/component'] ?? 'users'
}

/** One object as a template. */
function template(object) {
  const text = dump(parametrised(object), { lineWidth: -1, noRefs: true })
  return `---\n${text}`
    .replaceAll(/^( *)(\w+): ['"]?@@YAML (\S+)@@['"]?$/gm, (_, indent, key, value) => {
      return `${indent}${key}: {{- toYaml ${value} | nindent ${indent.length + 2} }}`
    })
    .replaceAll(/^( *)(\w+): ['"]?@@WITH (\S+)@@['"]?$/gm, (_, indent, key, value) => {
      return `${indent}{{- with ${value} }}\n${indent}${key}: {{- toYaml . | nindent ${indent.length + 2} }}\n${indent}{{- end }}`
    })
    .replaceAll(/^( *)- ['"]?@@EACH (\S+) (\S+)@@['"]?$/gm, (_, indent, flag, values) => {
      return `${indent.slice(2)}{{- range ${values} }}\n${indent}- ${flag}\n${indent}- {{ . | quote }}\n${indent.slice(2)}{{- end }}`
    })
    .replaceAll(/^( *- )ports: ['"]?@@PORTS@@['"]?$/gm, (_, indent) => {
      return `${indent}ports: {{- include "managed-dhcp.natsPorts" . | trim | nindent ${indent.length + 2} }}`
    })
    .replaceAll(/^( *)- ['"]?@@CA (\S+)@@['"]?$/gm, (_, indent, part) => {
      const include = `{{- include "managed-dhcp.${part}" . | nindent ${indent.length} }}`
      return `${indent.slice(2)}{{- if .Values.nats.caConfigMap }}\n${indent.slice(2)}${include}\n${indent.slice(2)}{{- end }}`
    })
    .replaceAll(/^( *)(\w+): ['"]?@@CA (\S+)@@['"]?$/gm, (_, indent, key, part) => {
      const include = `${key}: {{- include "managed-dhcp.${part}" . | nindent ${indent.length + 2} }}`
      return `${indent}{{- if .Values.nats.caConfigMap }}\n${indent}${include}\n${indent}{{- end }}`
    })
    .replaceAll(/^( *)pullSecrets: ['"]?@@PULL@@['"]?$/gm, '{{- include "managed-dhcp.pullSecrets" . }}')
    .replaceAll(/['"]?@@INT (\S+)@@['"]?/g, '{{ $1 }}')
    .replaceAll(/@@VALUE (.+?)@@/g, (_, expression) => `{{ ${expression} }}`)
    .replaceAll('@@OPEN@@', '{{ "{{" }}')
    .replaceAll('@@CLOSE@@', '{{ "}}" }}')
}

/** The object with marks where a value goes. */
function parametrised(object) {
  const marked = mapStrings(object, markString)
  if (object.kind === 'ServiceAccount') marked.pullSecrets = '@@PULL@@'
  if (object.kind === 'NetworkPolicy') {
    // The broker that is no pod of ours has the port of its address.
    for (const rule of marked.spec.egress ?? []) {
      if (rule.to === undefined && rule.ports.every(({ port }) => port === 4222)) rule.ports = '@@PORTS@@'
    }
  }
  if (object.kind !== 'Deployment' && object.kind !== 'StatefulSet') return marked
  const component = object.metadata.labels['app.kubernetes.io/component']
  const pod = marked.spec.template.spec
  if (component !== 'nats') marked.spec.replicas = `@@INT .Values.${component}.replicas@@`
  pod.nodeSelector = `@@WITH .Values.${component}.nodeSelector@@`
  pod.tolerations = `@@WITH .Values.${component}.tolerations@@`
  if (component === 'webhook')
    pod.containers[0].args.push('@@EACH --service-cidr .Values.webhook.serviceCidrs@@')
  if (component === 'controller') {
    pod.containers[0].env.push('@@CA natsCaEnvironment@@')
    pod.containers[0].volumeMounts = '@@CA natsCaMount@@'
    pod.volumes = '@@CA natsCaVolume@@'
  }
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    container.resources = `@@YAML .Values.${component}.resources@@`
    if (component === 'nats') container.image = '@@VALUE .Values.nats.image@@'
    else container.imagePullPolicy = '@@VALUE .Values.image.pullPolicy@@'
    for (const variable of container.env ?? []) {
      if (variable.name === 'NATS_URL') variable.value = '@@VALUE include "managed-dhcp.natsUrl" .@@'
    }
  }
  return marked
}

function markString(text) {
  if (text === IMAGE) return '@@VALUE include "managed-dhcp.image" .@@'
  return text
    .replaceAll('{{', '@@OPEN@@')
    .replaceAll('}}', '@@CLOSE@@')
    .replaceAll(NAMESPACE, '@@VALUE .Release.Namespace@@')
}

function mapStrings(value, change) {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]))
}
