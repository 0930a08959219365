/**
 * undici, of which only what is needed is loaded: with fetch, WebSocket, caches and mocks, as `import 'undici'` has them, a download would
 * take 14 MB more. The paths are those of the version that package.json pins.
 */
import type { Dispatcher as DispatcherType, EnvHttpProxyAgent as AgentType } from 'undici'
import api from 'undici/lib/api/index.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js'
import { keepWasmSmall } from './small-wasm.ts'

export type HttpClient = Pick<DispatcherType, 'request' | 'destroy'>

// As undici/index.js does: without, an agent can neither send a request nor reach its proxy.
Object.assign(Dispatcher.prototype, api)

/** Keeps connections alive, and goes through the proxies that it is told of. */
export function httpClient(options: AgentType.Options): HttpClient {
  keepWasmSmall()
  return new EnvHttpProxyAgent(options)
}
