import { expect, test } from 'vitest'
import { packageFile } from '../../../src/runtime/package-root.ts'
import {
  InvalidNatsLoginError,
  InvalidServerUrlError,
  loginFrom,
  NatsCaFileError,
  parseServerUrls,
  trustFrom,
} from '../../../transports/messages/nats-options.ts'

const none = { tls: false, credentials: undefined }

test.each([
  ['nats://nats.example:4223', { ...none, hosts: ['nats.example:4223'] }],
  ['nats', { ...none, hosts: ['nats:4222'] }],
  ['127.0.0.1:4222', { ...none, hosts: ['127.0.0.1:4222'] }],
  ['[::1]:5000', { ...none, hosts: ['[::1]:5000'] }],
  ['nats://a, nats://b:1', { ...none, hosts: ['a:4222', 'b:1'] }],
  ['tls://a', { hosts: ['a:4222'], tls: true, credentials: undefined }],
  [
    'nats://me:p%40ss@a',
    { hosts: ['a:4222'], tls: false, credentials: { kind: 'password', user: 'me', password: 'p@ss' } },
  ],
  ['nats://s3cret@a', { hosts: ['a:4222'], tls: false, credentials: { kind: 'token', token: 's3cret' } }],
])('%s is understood', (text, expected) => {
  expect(parseServerUrls(text)).toEqual(expected)
})

test.each([
  '',
  'http://a',
  'nats://',
  'nats://a:99999',
  'nats://a/path',
  'nats://a?x=1',
  'nats://a b',
  'a,,b',
  'nats://%zz@a',
])('"%s" is refused', (text) => {
  expect(() => parseServerUrls(text)).toThrow(InvalidServerUrlError)
})

test('a refused URL is shown without its secrets', () => {
  expect(() => parseServerUrls('ftp://me:s3cret@a')).toThrow(/^(?!.*s3cret).*…@a/)
})

test('NATS_USER and NATS_PASSWORD are a login, with an inbox of its own', () => {
  expect(loginFrom({ NATS_USER: 'agent', NATS_PASSWORD: 'p w' })).toEqual({
    credentials: { kind: 'password', user: 'agent', password: 'p w' },
    inboxPrefix: '_INBOX_agent',
  })
  expect(loginFrom({})).toBeUndefined()
  expect(loginFrom({ NATS_USER: '', NATS_PASSWORD: '' })).toBeUndefined()
})

test.each([{ NATS_USER: 'a' }, { NATS_PASSWORD: 'p' }, { NATS_USER: 'a.>', NATS_PASSWORD: 'secret' }])(
  '%o is no login, and the refusal does not tell the password',
  (environment) => {
    expect(() => loginFrom(environment)).toThrow(InvalidNatsLoginError)
    expect(() => loginFrom(environment)).not.toThrow(/secret/)
  },
)

const file = (name: string) => packageFile('test', 'kube', 'tls', name)

test('NATS_CA_FILE says whose certificates are believed', () => {
  expect(trustFrom({ NATS_CA_FILE: file('ca.crt') })).toEqual({ caFile: file('ca.crt') })
  expect(trustFrom({})).toBeUndefined()
  expect(trustFrom({ NATS_CA_FILE: '' })).toBeUndefined()
})

test.each([
  ['is missing', '/nowhere/ca.crt', /ENOENT.*\/nowhere\/ca\.crt/],
  ['is a folder', packageFile('test'), /EISDIR/],
  ['holds a key', file('client.key'), /client\.key holds no PEM certificate/],
  ['holds nothing', '/dev/null', /\/dev\/null holds no PEM certificate/],
])('a NATS_CA_FILE that %s is refused with the reason', (_, caFile, reason) => {
  expect(() => trustFrom({ NATS_CA_FILE: caFile })).toThrow(NatsCaFileError)
  expect(() => trustFrom({ NATS_CA_FILE: caFile })).toThrow(reason)
})
