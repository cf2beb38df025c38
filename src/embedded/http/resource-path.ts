/** What a URL below /api or /apis names. */
export interface ResourcePath {
  group: string
  version: string
  /** '' when the URL has no namespace. */
  namespace: string
  plural: string
  name?: string
  subresource?: string
}

/** @returns undefined for a path that cannot be that of a resource */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const segments = decode(pathname)
  if (!segments) return undefined
  const [root, ...rest] = segments
  if (root === 'api') return resourceIn('', rest)
  if (root === 'apis' && rest[0]) return resourceIn(rest[0], rest.slice(1))
  return undefined
}

/** `namespaces/x/status` is of the namespace, `namespaces/x/pods` is in it. */
const OF_NAMESPACES = ['status', 'finalize']

function resourceIn(group: string, [version, ...rest]: string[]): ResourcePath | undefined {
  if (!version) return undefined
  let namespace = ''
  let [plural, name, subresource, ...more] = rest
  if (plural === 'namespaces' && name && subresource) {
    if (rest.length > 3 || !OF_NAMESPACES.includes(subresource)) {
      namespace = name
      ;[plural, name, subresource, ...more] = rest.slice(2)
    }
  }
  if (!plural || more.length > 0) return undefined
  return {
    group,
    version,
    namespace,
    plural,
    ...(name ? { name } : {}),
    ...(subresource ? { subresource } : {}),
  }
}

function decode(pathname: string): string[] | undefined {
  try {
    return pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}
