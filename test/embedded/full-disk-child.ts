import { pino } from 'pino'
import { openEmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

/** Writes until the disk is full, makes room, goes on, and says how each of that went. */
const [dataDirectory = '', crdDirectory = ''] = process.argv.slice(2)
const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }

const open = () =>
  openEmbeddedApi({
    dataDirectory,
    crdDirectories: [crdDirectory],
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
  })

const api = await open()
const create = (name: string, size: number) =>
  api.store.create(CONFIG_MAPS, {
    metadata: { name, namespace: 'default' },
    data: { text: 'x'.repeat(size) },
  })
let acknowledged = 0
let refusal = ''
while (refusal === '' && acknowledged < 1000) {
  try {
    await create(`c${acknowledged}`, 20_000)
    acknowledged += 1
  } catch (error) {
    refusal = String(error)
  }
}
const listed = (await api.store.list(CONFIG_MAPS)).items.length
await api.store.delete(CONFIG_MAPS, { namespace: 'default', name: 'c0' })
await create('small', 1)
await api.close()
const again = await open()
const kept = (await again.store.list(CONFIG_MAPS)).items.length
await again.close()
process.stdout.write(JSON.stringify({ acknowledged, refusal, listed, kept }))
