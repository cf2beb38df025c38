import * as z from 'zod'
import { kubeObjectSchema } from './object.ts'
import { ifReadable, readableList } from './readable-fields.ts'

const interfaceSchema = z.looseObject({
  name: z.string(),
  macAddress: z.string().optional(),
  /** `absent` while the interface is being unplugged. */
  state: z.string().optional(),
})

const networkSchema = z.looseObject({
  name: z.string(),
  multus: z.looseObject({ networkName: z.string() }).optional(),
})

/** Of a KubeVirt VirtualMachine, what decides its addresses. */
export const virtualMachineSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        domain: z
          .looseObject({
            devices: z.looseObject({ interfaces: z.array(interfaceSchema).optional() }).optional(),
          })
          .optional(),
        networks: z.array(networkSchema).optional(),
      }),
    }),
  }),
})

/** Of a running VirtualMachineInstance, the MAC addresses that KubeVirt gave it. */
export const virtualMachineInstanceSchema = kubeObjectSchema.extend({
  status: ifReadable(
    z.looseObject({
      interfaces: readableList(z.looseObject({ name: z.string().optional(), mac: z.string().optional() })),
    }),
  ),
})

export type VirtualMachine = z.infer<typeof virtualMachineSchema>
export type VirtualMachineInstance = z.infer<typeof virtualMachineInstanceSchema>

/** Holds the MAC addresses of a VM whose spec has none: `{"nic-1":"ca:70:82:e6:84:6e"}`. */
export const MAC_ADDRESS_ANNOTATION = 'harvesterhci.io/mac-address'
/** Followed by an interface's name: the address that it is to have. */
export const STATIC_ADDRESS_ANNOTATION_PREFIX = 'static-ip.harvesterhci.io/'
