import * as z from 'zod'
import { conditionSchema } from './condition.ts'
import { kubeObjectSchema } from './object.ts'
import { ifReadable, readableList, readableMap } from './readable-fields.ts'

/** Far above what is ever counted to, and exact: what somebody wrote there by hand is no counter. */
const revisionSchema = z
  .int()
  .min(0)
  .max(2 ** 52)

/** The shape of an IPPool as it is stored. What its values mean is parsed by `parsePoolConfiguration`. */
export const ipPoolSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    networkName: z.string(),
    paused: z.boolean().optional(),
    ipv4Config: z.looseObject({
      serverIP: z.string().optional(),
      cidr: z.string(),
      pool: z
        .looseObject({
          start: z.string().optional(),
          end: z.string().optional(),
          exclude: z.array(z.string()).optional(),
        })
        .optional(),
      router: z.string().optional(),
      dns: z.array(z.string()).optional(),
      domainName: z.string().optional(),
      domainSearch: z.array(z.string()).optional(),
      ntp: z.array(z.string()).optional(),
      leaseTime: z.number().optional(),
    }),
  }),
  status: ifReadable(
    z.looseObject({
      lastUpdate: ifReadable(z.string()),
      observedGeneration: ifReadable(z.number()),
      agentPodRef: ifReadable(
        z.looseObject({ name: ifReadable(z.string()), namespace: ifReadable(z.string()) }),
      ),
      conditions: readableList(conditionSchema),
      servedSpec: ifReadable(z.looseObject({})),
      ipv4: ifReadable(
        z.looseObject({
          allocated: readableMap(z.string()),
          used: ifReadable(z.number()),
          available: ifReadable(z.number()),
          revision: ifReadable(revisionSchema),
          resting: readableMap(z.looseObject({ macAddress: z.string(), until: z.string() })),
          leaseTime: ifReadable(z.number()),
          longerLeasesUntil: ifReadable(z.string()),
          ntpServers: readableList(z.ipv4()),
        }),
      ),
    }),
  ),
})

/** Of an IPPool, what is asked for often: the map of addresses, which may be long, is passed over. */
export const ipPoolSummarySchema = kubeObjectSchema.extend({
  spec: z.looseObject({ networkName: z.string() }),
  status: ifReadable(
    z.looseObject({
      conditions: readableList(conditionSchema),
      ipv4: ifReadable(
        z.looseObject({
          used: ifReadable(z.number()),
          available: ifReadable(z.number()),
          resting: ifReadable(z.looseObject({})),
        }),
      ),
    }),
  ),
})

export type IPPoolSummary = z.infer<typeof ipPoolSummarySchema>
export type IPPool = z.infer<typeof ipPoolSchema>
export type IPPoolSpec = IPPool['spec']
export type IPPoolStatus = NonNullable<IPPool['status']>
export type IPPoolIPv4Status = NonNullable<IPPoolStatus['ipv4']>

/** In `status.ipv4.allocated`: an address of the range that `spec.ipv4Config.pool.exclude` names. */
export const EXCLUDED_MARK = 'EXCLUDED'
/** In `status.ipv4.allocated`: the server's or the router's own address inside the range. */
export const RESERVED_MARK = 'RESERVED'

export const IP_POOL_FINALIZER = 'wrangler.cattle.io/vm-dhcp-ippool-controller'
export const NETWORK_POOL_NAMESPACE_LABEL = 'network.harvesterhci.io/ippool-namespace'
export const NETWORK_POOL_NAME_LABEL = 'network.harvesterhci.io/ippool-name'

/** Of a NetworkAttachmentDefinition: addresses that clients of an earlier pool may still use, as in `status.ipv4.resting`. */
export const RESTING_ADDRESSES_ANNOTATION = 'network.harvesterhci.io/resting-addresses'

export const IP_POOL_CONDITIONS = ['Registered', 'CacheReady', 'AgentReady', 'Stopped'] as const
export type IPPoolConditionType = (typeof IP_POOL_CONDITIONS)[number]
