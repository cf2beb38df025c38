import * as z from 'zod'
import { etcdUrl, type Layout } from './layout.ts'

const rangeSchema = z.object({ header: z.object({ revision: z.string() }) })

/** https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
export async function compactEtcd(layout: Layout): Promise<void> {
  const key = Buffer.from('compact_rev_key').toString('base64')
  const { header } = rangeSchema.parse(await post(layout, '/v3/kv/range', { key }))
  await post(layout, '/v3/kv/compaction', { revision: header.revision, physical: true })
}

async function post(layout: Layout, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${etcdUrl(layout)}${path}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}
