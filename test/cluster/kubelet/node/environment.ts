import type { Container, EnvEntry } from '../spec/container-schema.ts'
import { expand } from '../spec/expand.ts'
import { ContainerConfigError } from '../spec/identity.ts'
import type { Image } from '../spec/image.ts'
import type { KubeletApi } from './kubelet-api.ts'

export interface EnvironmentSource {
  readonly api: Pick<KubeletApi, 'readData'>
  readonly namespace: string
  readonly image: Image
  /** HOSTNAME, KUBERNETES_SERVICE_HOST and the like. */
  readonly given: Readonly<Record<string, string>>
  /** @throws ContainerConfigError */
  field(path: string): string
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Others are legal in Kubernetes, but the shell that sets the container up would lose them. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Later entries win, and may use earlier ones. @throws ContainerConfigError when a Secret, ConfigMap or key is missing */
export async function environmentOf(
  container: Container,
  source: EnvironmentSource,
): Promise<ReadonlyMap<string, string>> {
  const variables = new Map(Object.entries({ PATH, ...source.image.env, ...source.given }))
  const set = (name: string, value: string) => {
    if (!NAME.test(name)) throw new ContainerConfigError(`the emulated kubelet sets no variable "${name}"`)
    variables.set(name, value)
  }
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom) {
    const kind = secretRef === undefined ? 'configMap' : 'secret'
    const reference = secretRef ?? configMapRef
    if (reference === undefined) continue
    const values = await readAll(source, kind, reference)
    for (const [name, value] of values) set(prefix + name, value.toString('utf8'))
  }
  for (const entry of container.env) {
    const value = await valueFor(entry, source, variables)
    if (value !== undefined) set(entry.name, value)
  }
  return variables
}

async function valueFor(
  entry: EnvEntry,
  source: EnvironmentSource,
  variables: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const { value = '', valueFrom } = entry
  if (valueFrom === undefined) return expand(value, variables)
  if (valueFrom.fieldRef !== undefined) return source.field(valueFrom.fieldRef.fieldPath)
  const kind = valueFrom.secretKeyRef === undefined ? 'configMap' : 'secret'
  const reference = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef
  if (reference === undefined) throw new ContainerConfigError(`env ${entry.name} has no source`)
  const found = (await readAll(source, kind, reference)).get(reference.key)
  if (found === undefined && reference.optional !== true) {
    throw new ContainerConfigError(
      `couldn't find key ${reference.key} in ${nameOf(kind)} ${source.namespace}/${reference.name}`,
    )
  }
  return found?.toString('utf8')
}

async function readAll(
  source: EnvironmentSource,
  kind: 'secret' | 'configMap',
  { name, optional }: { name: string; optional?: boolean | undefined },
): Promise<ReadonlyMap<string, Buffer>> {
  const values = await source.api.readData(kind, { namespace: source.namespace, name })
  if (values === undefined && optional !== true) {
    throw new ContainerConfigError(`${nameOf(kind).toLowerCase()} "${name}" not found`)
  }
  return values ?? new Map()
}

function nameOf(kind: 'secret' | 'configMap'): string {
  return kind === 'secret' ? 'Secret' : 'ConfigMap'
}
