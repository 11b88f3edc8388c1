/** The transform: the targets that records can be sent to, joined with how they are sent. */
import type { TransformTarget } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import { Lazy } from '../../runtime/lazy.ts'
import type { TransformStage } from '../stages.ts'
import type { Invoke } from './attempts.ts'
import { exchange, type ExchangeOptions } from './exchange.ts'
import { HttpTransforms, type HttpSettings } from './http-transforms.ts'
import type { LambdaFunctions, LambdaSettings } from './lambda-functions.ts'

export interface TransformOptions extends ExchangeOptions {
  readonly lambda: Omit<LambdaSettings, 'log'>
  readonly http: HttpSettings
}

export interface ClosableTransform extends TransformStage {
  /** Lets go of idle connections; nothing is under way any more. */
  close(): Promise<void>
}

export function createTransform(options: TransformOptions): ClosableTransform {
  const lambda = new Lazy(() => loadLambda({ ...options.lambda, log: options.log }))
  const http = new HttpTransforms(options.http)
  const invokerOf = (target: TransformTarget): Invoke => {
    switch (target.kind) {
      case 'lambda':
        return async (event, signal) => (await lambda.get()).invoke(target, event, signal)
      case 'http':
        return (event, signal) => http.post(target.url, event, signal)
      default:
        return unreachable(target)
    }
  }
  return {
    transform: (input) => exchange(input, invokerOf(input.transform.target), options),
    async close() {
      ;(await lambda.opened())?.close()
      http.close()
    },
  }
}

/** What speaks to Lambda is loaded where it is used. */
async function loadLambda(settings: LambdaSettings): Promise<LambdaFunctions> {
  const { LambdaFunctions: Loaded } = await import('./lambda-functions.ts')
  return new Loaded(settings)
}
