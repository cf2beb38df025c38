import { pino } from 'pino'
import { openEmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { writeKubeconfig } from '../../../src/embedded/kubeconfig.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'

/** The Kubernetes API alone, so that it can be taken away: `node api-process.mjs DATA_DIRECTORY KUBECONFIG PORT` */
const [, , dataDirectory = '', kubeconfig = '', port = ''] = process.argv
const api = await openEmbeddedApi({
  dataDirectory,
  clock: systemClock,
  random: systemRandom,
  log: pino({ level: 'warn' }),
})
const { url } = await api.listen({ host: '127.0.0.1', port: Number(port) })
await writeKubeconfig(kubeconfig, { url })
process.stdout.write('serving\n')
