import * as z from 'zod'

const itemsSchema = z.array(
  z.strictObject({ key: z.string(), path: z.string(), mode: z.number().optional() }),
)
const downwardItemsSchema = z.array(
  z.strictObject({
    path: z.string(),
    mode: z.number().optional(),
    fieldRef: z.strictObject({ fieldPath: z.string(), apiVersion: z.literal('v1').optional() }),
  }),
)
const optional = z.boolean().default(false)

const projectionSchema = z.strictObject({
  serviceAccountToken: z
    .strictObject({
      path: z.string(),
      audience: z.string().optional(),
      expirationSeconds: z.number().default(3600),
    })
    .optional(),
  configMap: z.strictObject({ name: z.string(), items: itemsSchema.optional(), optional }).optional(),
  secret: z.strictObject({ name: z.string(), items: itemsSchema.optional(), optional }).optional(),
  downwardAPI: z.strictObject({ items: downwardItemsSchema }).optional(),
})

export const volumeSchema = z.strictObject({
  name: z.string(),
  emptyDir: z
    .strictObject({ medium: z.enum(['', 'Memory']).default(''), sizeLimit: z.string().optional() })
    .optional(),
  configMap: z
    .strictObject({
      name: z.string(),
      items: itemsSchema.optional(),
      defaultMode: z.number().default(0o644),
      optional,
    })
    .optional(),
  secret: z
    .strictObject({
      secretName: z.string(),
      items: itemsSchema.optional(),
      defaultMode: z.number().default(0o644),
      optional,
    })
    .optional(),
  downwardAPI: z
    .strictObject({ items: downwardItemsSchema, defaultMode: z.number().default(0o644) })
    .optional(),
  projected: z
    .strictObject({ sources: z.array(projectionSchema), defaultMode: z.number().default(0o644) })
    .optional(),
})

export type Volume = z.infer<typeof volumeSchema>
export type Projection = z.infer<typeof projectionSchema>
export type Items = z.infer<typeof itemsSchema>
export type DownwardItems = z.infer<typeof downwardItemsSchema>
