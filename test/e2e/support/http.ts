import * as z from 'zod'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'

const answerSchema = z.object({ status: z.number(), contentType: z.string(), body: z.string() })
export type HttpAnswer = z.infer<typeof answerSchema>

const GET = `
  fetch(process.argv[1]).then(async (response) => console.log(JSON.stringify({
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: await response.text(),
  })))`

/** GET as seen inside a namespace. @throws CommandFailedError when nobody answers */
export async function httpGet(namespace: NetworkNamespace, url: string): Promise<HttpAnswer> {
  const { stdout } = await namespace.exec(process.execPath, ['-e', GET, url])
  return answerSchema.parse(JSON.parse(stdout))
}
