import { expect, test } from 'vitest'
import { type Place, withNames } from '../../../../src/lib/domain/diagnosis/advice.ts'

const place: Place = {
  environment: { name: 'production', namespace: 'emr' },
  kubectl: 'kubectl --context eks',
}
const aws = { accountId: '333333333333', region: 'us-east-1' }
/** @param name of the object that it is about */
const advised = (advice: string, { name = 'app-1', ...at }: Partial<Place> & { name?: string } = {}) =>
  withNames({ object: { name }, service: 'app', node: 'n1', advice }, { ...place, ...at }).advice

test.each([
  ['emr deploy ENV --services SERVICE', 'emr deploy production --services app'],
  ['kubectl describe pod NAME', 'kubectl --context eks --namespace emr describe pod app-1'],
  ['kubectl --namespace kube-system get pods', 'kubectl --context eks --namespace kube-system get pods'],
  ['kubectl get namespace NAMESPACE', 'kubectl --context eks --namespace emr get namespace emr'],
  ['look at aws-node on NODE', 'look at aws-node on n1'],
  ['aws rds describe-events', 'aws rds describe-events'],
])('%s', (advice, typed) => {
  expect(advised(advice)).toBe(typed)
})

test('the AWS CLI is told region and profile, and a name of more than one word stays one', () => {
  const environment = { ...place.environment, aws: { ...aws, profile: 'emr' } }
  expect(
    advised('aws cloudwatch describe-alarms --alarm-names NAME', { environment, name: 'NODE busy' }),
  ).toBe("aws --region us-east-1 --profile emr cloudwatch describe-alarms --alarm-names 'NODE busy'")
})

test('what belongs to no service is looked for among all', () => {
  const advised = (advice: string) => withNames({ object: { name: 'lost' }, advice }, place).advice
  expect(advised('emr logs ENV SERVICE --previous')).toBe('emr logs production --previous')
  expect(advised('bring it back: emr deploy ENV --services SERVICE')).toBe(
    'bring it back: emr deploy production',
  )
})

test('nodes that are cordoned are named, or how to find them', () => {
  const advice = 'kubectl uncordon CORDONED'
  const typed = 'kubectl --context eks --namespace emr uncordon'
  expect(advised(advice, { cordoned: ['n1', 'n2'] })).toBe(`${typed} n1 n2`)
  expect(advised(advice)).toBe(`${typed} NODE, as named by: kubectl --context eks get nodes`)
})

test('what else was found has its own names', () => {
  const finding = (name: string, service?: string) => ({
    object: { name },
    ...(service && { service }),
    advice: 'emr logs ENV SERVICE, kubectl describe pod NAME',
  })
  const named = withNames(
    { ...finding('a', 'app'), more: [finding('b')], effects: [finding('c', 'other')] },
    place,
  )
  const typed = (service: string, name: string) =>
    `emr logs production ${service}, kubectl --context eks --namespace emr describe pod ${name}`
  expect([named, ...named.more, ...named.effects].map(({ advice }) => advice)).toEqual([
    typed('app', 'a'),
    typed('app', 'b'),
    typed('other', 'c'),
  ])
})
