import { pino } from 'pino'
import { openEmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

/** Writes without end, and tells each write once it was acknowledged, until it is killed. */
const [dataDirectory = '', crdDirectory = '', round = ''] = process.argv.slice(2)

const api = await openEmbeddedApi({
  dataDirectory,
  crdDirectories: [crdDirectory],
  clock: systemClock,
  random: systemRandom,
  log: pino({ level: 'silent' }),
})
const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }

async function writer(id: number): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `r${round}-w${id}-${count}`
    const created = await api.store.create(CONFIG_MAPS, {
      metadata: { name, namespace: 'default' },
      data: { text: 'x'.repeat(count % 3000) },
    })
    process.stdout.write(`${name} ${created.metadata.resourceVersion}\n`)
  }
}

process.stdout.write('ready\n')
await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(writer))
