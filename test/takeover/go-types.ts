import * as z from 'zod'

// All that the old add-on's Go types know: what else there is its typed client drops when it writes an object back.
// github.com/harvester/vm-dhcp-controller, pkg/apis/network.harvesterhci.io/v1alpha1/{ippool,virtualmachinenetworkconfig}.go
// at commit 100ec29a81e6bf51d538e581ac4dfc2d79e92b9b has `networkConfig`, and no `paused`, `state`, `image` and `uid` yet;
// these and `networkConfigs` are as in its documentation and in the objects of later releases (fixtures/).

const conditions = z
  .array(
    z.object({
      type: z.string(),
      status: z.string(),
      lastUpdateTime: z.string().optional(),
      lastTransitionTime: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
    }),
  )
  .optional()

export const poolStatus = z.object({
  lastUpdate: z.string().optional(),
  agentPodRef: z
    .object({
      namespace: z.string(),
      name: z.string(),
      image: z.string().optional(),
      uid: z.string().optional(),
    })
    .optional(),
  conditions,
  ipv4: z.object({
    allocated: z.record(z.string(), z.string()),
    used: z.number(),
    available: z.number(),
  }),
})

export const poolSpec = z.object({
  networkName: z.string(),
  paused: z.boolean().optional(),
  ipv4Config: z.object({
    serverIP: z.string().optional(),
    cidr: z.string(),
    pool: z.object({ start: z.string(), end: z.string(), exclude: z.array(z.string()).optional() }),
    router: z.string().optional(),
    dns: z.array(z.string()).optional(),
    domainName: z.string().optional(),
    domainSearch: z.array(z.string()).optional(),
    ntp: z.array(z.string()).optional(),
    leaseTime: z.number().optional(),
  }),
})

const networkStatuses = z
  .array(
    z.object({
      allocatedIPAddress: z.string().optional(),
      macAddress: z.string(),
      networkName: z.string(),
      state: z.string().optional(),
    }),
  )
  .optional()
/** The releases differ in the name of the list. */
export const configStatus = z.object({
  networkConfig: networkStatuses,
  networkConfigs: networkStatuses,
  conditions,
})

const networks = z
  .array(z.object({ macAddress: z.string(), networkName: z.string(), ipAddress: z.string().optional() }))
  .optional()
export const configSpec = z.object({
  vmName: z.string(),
  paused: z.boolean().optional(),
  networkConfig: networks,
  networkConfigs: networks,
})
