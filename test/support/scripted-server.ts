import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface SeenRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: IncomingMessage['headers']
  body: unknown
}

export type Answer = (request: SeenRequest, response: ServerResponse) => void

export interface ScriptedServer {
  readonly url: string
  readonly requests: SeenRequest[]
  /** TCP connections that were ever made. */
  readonly connections: Set<Socket>
  answer: Answer
  close(): Promise<void>
}

/** An HTTP server on loopback that answers what the test says. */
export async function startScriptedServer(answer: Answer, tls?: ServerOptions): Promise<ScriptedServer> {
  const scripted: ScriptedServer = {
    url: '',
    requests: [],
    connections: new Set(),
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const text = Buffer.concat(chunks).toString()
      const seen: SeenRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
      scripted.requests.push(seen)
      scripted.answer(seen, response)
    })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on('connection', (socket) => scripted.connections.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(scripted, { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` })
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
