import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Logger } from 'pino'
import { seconds } from '../../api/values/time.ts'
import type { Store } from '../../kube/store.ts'
import type { Cancel, Clock } from '../../runtime/clock.ts'
import { CONFIGURATION_KINDS, readCaBundles } from './configurations.ts'
import { CertificateFilesError } from './errors.ts'
import { belongsTo, isIssuedBy, readCertificates, readPrivateKey, validTo } from './inspect.ts'
import type { ServingCertificate } from './material.ts'
import type { CertificateSource } from './source.ts'

/** kubelet exchanges the files of a mounted Secret within a minute or so of its change. */
const LOOK_EVERY = seconds(5)

/**
 * A certificate that somebody else looks after, cert-manager for one, in files: read again when they change. The
 * configurations are read only: their caBundle is the other's business too.
 * @throws CertificateFilesError when there is nothing to begin with
 */
export function startCertificateFiles(options: {
  store: Store
  clock: Clock
  log: Logger
  directory: string
}): CertificateSource {
  const { store, clock, log, directory } = options
  const handlers: ((certificate: ServingCertificate) => void)[] = []
  let serving = readFiles(directory)
  let unreadable: string | undefined
  let untrusted: string | undefined = 'not looked at the configurations yet'
  let cancel: Cancel = () => {}
  let isStopped = false

  function readAgain(): void {
    try {
      const next = readFiles(directory)
      unreadable = undefined
      if (next.certificate === serving.certificate && next.key === serving.key) return
      serving = next
      for (const handler of handlers) handler(next)
      log.info(
        { directory, until: new Date(validTo(next.parsed)).toISOString() },
        'certificate files changed',
      )
    } catch (error) {
      // Half exchanged, perhaps: what was read before still serves.
      const message = error instanceof Error ? error.message : String(error)
      if (message !== unreadable)
        log.warn({ err: error }, 'certificate files not read; serving with the earlier ones')
      unreadable = message
    }
  }

  async function checkTrust(): Promise<void> {
    try {
      const chain = readCertificates(serving.certificate)
      for (const kind of CONFIGURATION_KINDS) {
        for (const bundle of await readCaBundles(store, kind)) {
          const authorities = readCertificates(bundle)
          const isKnown = chain.some((link) => authorities.some((authority) => isIssuedBy(link, authority)))
          if (!isKnown) {
            untrusted = `the caBundle of ${kind.kind} managed-dhcp does not trust ${path.join(directory, 'tls.crt')}`
            return
          }
        }
      }
      untrusted = undefined
    } catch (error) {
      untrusted = error instanceof Error ? error.message : String(error)
    }
  }

  async function run(): Promise<void> {
    readAgain()
    await checkTrust()
    if (!isStopped) cancel = clock.after(LOOK_EVERY, () => void run())
  }

  void run()
  return {
    current: () => serving,
    onChange: (handler) => handlers.push(handler),
    problems: () => [
      ...(clock.now() >= validTo(serving.parsed) ? ['the certificate has expired'] : []),
      ...(unreadable === undefined ? [] : [unreadable]),
      ...(untrusted === undefined ? [] : [untrusted]),
    ],
    stop() {
      isStopped = true
      cancel()
    },
  }
}

/** @throws CertificateFilesError */
function readFiles(directory: string): ServingCertificate {
  const read = (name: string) => {
    try {
      return readFileSync(path.join(directory, name), 'utf8')
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CertificateFilesError(directory, why, { cause })
    }
  }
  const certificate = read('tls.crt')
  const keyPem = read('tls.key')
  const [parsed] = readCertificates(certificate)
  if (parsed === undefined) throw new CertificateFilesError(directory, 'tls.crt holds no certificate')
  const key = readPrivateKey(keyPem)
  if (key === undefined) throw new CertificateFilesError(directory, 'tls.key holds no private key')
  if (!belongsTo(key, parsed)) throw new CertificateFilesError(directory, 'tls.key is not the key of tls.crt')
  return { certificate, key: keyPem, parsed }
}
