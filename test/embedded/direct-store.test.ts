import { storeContract } from '../kube/store-contract.ts'
import { openTestApi } from './support.ts'

storeContract('the direct store of the embedded API', async () => {
  const api = await openTestApi()
  return { store: api.store, cleanup: () => api.close() }
})
