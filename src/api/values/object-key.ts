/** The namespaced name of a Kubernetes object. */
export interface ObjectKey {
  readonly namespace: string
  readonly name: string
}

export class InvalidObjectKeyError extends Error {
  override readonly name = 'InvalidObjectKeyError'
  constructor(readonly text: string) {
    super(`"${text}" is not a namespaced name such as default/net-48`)
  }
}

/** RFC 1123 subdomain, as the API server checks names. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

export function formatObjectKey(key: ObjectKey): string {
  return `${key.namespace}/${key.name}`
}

/**
 * @param defaultNamespace the namespace of a bare name: a NAD named "net-48" in a VM is one in the VM's own namespace
 * @throws InvalidObjectKeyError
 */
export function parseObjectKey(text: string, defaultNamespace?: string): ObjectKey {
  const parts = text.split('/')
  const [namespace, name] = parts.length === 1 ? [defaultNamespace, parts[0]] : parts
  if (parts.length > 2 || !isKubernetesName(namespace) || !isKubernetesName(name)) {
    throw new InvalidObjectKeyError(text)
  }
  return { namespace, name }
}

export function sameObjectKey(a: ObjectKey, b: ObjectKey): boolean {
  return a.namespace === b.namespace && a.name === b.name
}

function isKubernetesName(text: string | undefined): text is string {
  return text !== undefined && text.length <= 253 && NAME.test(text)
}
