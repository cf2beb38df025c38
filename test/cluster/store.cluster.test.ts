import { pino } from 'pino'
import { createKubeStore } from '../../src/kube/client.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { storeContract } from '../kube/store-contract.ts'
import { sharedControlPlane } from './control-plane/control-plane.ts'

storeContract('the client over HTTPS, with a kube-apiserver behind it,', async () => {
  const { kubeconfig } = await sharedControlPlane()
  const log = pino({ level: 'silent' })
  const store = createKubeStore({ kubeconfig, log, clock: systemClock, random: systemRandom })
  return { store, cleanup: async () => store.close() }
})
