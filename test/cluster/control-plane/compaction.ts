import * as z from 'zod'
import { ETCD_URL } from './layout.ts'

const rangeSchema = z.object({ header: z.object({ revision: z.string() }) })

/** https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
export async function compactEtcd(): Promise<void> {
  const key = Buffer.from('compact_rev_key').toString('base64')
  const { header } = rangeSchema.parse(await post('/v3/kv/range', { key }))
  await post('/v3/kv/compaction', { revision: header.revision, physical: true })
}

async function post(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${ETCD_URL}${path}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}
