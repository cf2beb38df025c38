import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { later, minutes, seconds } from '../../../src/api/values/time.ts'
import type { EmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { publishCaBundle } from '../../../src/webhook/certificates/configurations.ts'
import { startCertificateFiles } from '../../../src/webhook/certificates/files.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../../src/webhook/certificates/issue.ts'
import type { CertificateSource } from '../../../src/webhook/certificates/source.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { CONFIGURATIONS, openClusterApi } from './cluster.ts'

let clock: ManualClock
let api: EmbeddedApi
let directory: string
let authority: KeyPair
let source: CertificateSource | undefined
const { log } = recordingLog()

beforeEach(async () => {
  clock = new ManualClock()
  api = await openClusterApi({ clock, random: seededRandom(), log })
  directory = mkdtempSync(join(tmpdir(), 'certificates-'))
  authority = await createAuthority('ca', validity(), '41')
})
afterEach(async () => {
  source?.stop()
  source = undefined
  rmSync(directory, { recursive: true })
  await api.close()
})

const validity = () => ({ from: clock.now(), to: later(clock.now(), minutes(10)) })
const issued = (serial: string) => issueCertificate(authority, ['webhook.system.svc'], validity(), serial)
function write({ certificate, key }: KeyPair): void {
  writeFileSync(join(directory, 'tls.crt'), certificate)
  writeFileSync(join(directory, 'tls.key'), key)
}
const start = () => {
  source = startCertificateFiles({ store: api.store, clock, log, directory })
  return source
}
/** The configurations are read through the API in between. */
async function looks(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await clock.advance(seconds(6))
}

describe('certificates of somebody else', () => {
  test('are served, and again when they change', async () => {
    write(await issued('42'))
    const changes: string[] = []
    const files = start()
    files.onChange(({ parsed }) => changes.push(parsed.serialNumber))
    expect(files.current()?.parsed.serialNumber).toBe('42')

    write(await issued('43'))
    await looks()

    expect(changes).toEqual(['43'])
    expect(files.current()?.parsed.serialNumber).toBe('43')
  })

  test('that are half exchanged leave the earlier ones in service', async () => {
    write(await issued('42'))
    const files = start()
    const next = await issued('43')
    writeFileSync(join(directory, 'tls.crt'), next.certificate)

    await looks()
    expect(files.current()?.parsed.serialNumber).toBe('42')
    expect(files.problems().join()).toContain('tls.key is not the key of tls.crt')

    write(next)
    await looks()
    expect(files.current()?.parsed.serialNumber).toBe('43')
  })

  test('make the webhook ready once the configurations trust them, which it leaves to others', async () => {
    write(await issued('42'))
    const files = start()
    await looks()
    expect(files.problems()).toEqual([
      `the caBundle of ValidatingWebhookConfiguration managed-dhcp does not trust ${join(directory, 'tls.crt')}`,
    ])

    for (const kind of CONFIGURATIONS) await publishCaBundle(api.store, kind, authority.certificate)
    await looks()
    expect(files.problems()).toEqual([])

    await clock.advance(minutes(10))
    expect(files.problems()).toContain('the certificate has expired')
  })

  test('that are not there are told at once, with what must be there', () => {
    expect(start).toThrow(
      new RegExp(
        `^--certificates ${directory}: ENOENT.*it must hold tls.crt and tls.key, as a mounted TLS Secret does$`,
      ),
    )
  })
})
