import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { dump } from 'js-yaml'

export class KubeconfigWriteError extends Error {
  override readonly name = 'KubeconfigWriteError'
  constructor(
    readonly file: string,
    cause: unknown,
  ) {
    super(`cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

const NAME = 'managed-dhcp'

/**
 * A kubeconfig for the embedded API, readable by its owner only and there as a whole or not at all.
 * @throws KubeconfigWriteError
 */
export async function writeKubeconfig(
  file: string,
  { url, token }: { url: string; token?: string },
): Promise<void> {
  const text = dump({
    apiVersion: 'v1',
    kind: 'Config',
    // @kubernetes/client-node takes an http:// server with this flag only; kubectl does not mind it.
    clusters: [{ name: NAME, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: NAME, user: token === undefined ? {} : { token } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace: 'default' } }],
    'current-context': NAME,
  })
  const temporary = `${file}.${process.pid}.tmp`
  try {
    // On a full disk, or one that is read-only by now, what is there already is good enough.
    if (holds(file, text)) return
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(temporary, text, { mode: 0o600 })
    chmodSync(temporary, 0o600)
    renameSync(temporary, file)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw new KubeconfigWriteError(file, cause)
  }
}

function holds(file: string, text: string): boolean {
  const isPrivate = ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0o777) & 0o077) === 0
  return isPrivate && readFileSync(file, 'utf8') === text
}
