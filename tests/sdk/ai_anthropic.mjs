// The AI SDK with its Anthropic provider against jevons serve: streams, tool loop, errors.
import {createAnthropic} from '@ai-sdk/anthropic';
import {APICallError, generateText, Output, stepCountIs, streamText, tool} from 'ai';
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {z} from 'zod';

import {callText, idleStatus, startServer} from './server.mjs';

const kAnswers = [
  {
    match: 'weather in Oslo',
    answer: 'I must look.</think>\n\nLet me look.\n' + callText('weather', {city: 'Oslo'})
  },
  {match: '-3 degrees', answer: 'Cold.</think>\n\nIt is -3 degrees.'},
  {match: 'Count up', answer: 'Counting.</think>\n\n' + Array.from({length: 400}, (_, i) => i).join(' ')},
];

let server, model;
before(async () => {
  server = await startServer({answers: kAnswers});
  model = createAnthropic({baseURL: server.url + '/v1', apiKey: 'any'})('nano');
});
after(() => server.stop());

const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({city: z.string()}),
  execute: async ({city}) => `-3 degrees in ${city}`
});

const question = () => ({
  model,
  maxRetries: 0,
  maxOutputTokens: 500,
  tools: {weather},
  stopWhen: stepCountIs(4),
  providerOptions: {anthropic: {thinking: {type: 'enabled', budgetTokens: 2048}}},
  prompt: 'What is the weather in Oslo?'
});

function checkSteps(steps, text) {
  assert.equal(steps.length, 2);
  assert.equal(steps[0].finishReason, 'tool-calls');
  assert.equal(steps[0].reasoningText, 'I must look.');
  assert.deepEqual(steps[0].toolCalls.map((call) => call.input), [{city: 'Oslo'}]);
  assert.deepEqual(steps[0].toolResults.map((result) => result.output), ['-3 degrees in Oslo']);
  assert.equal(steps[1].finishReason, 'stop');
  assert.equal(text, 'It is -3 degrees.');
  for (const {usage} of steps) assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  // The reasoning went back: the second prompt begins with all of the first step.
  const {usage} = steps[0];
  assert.ok(
      steps[1].usage.cachedInputTokens >= usage.inputTokens + usage.outputTokens - 64,
      JSON.stringify(steps.map((step) => step.usage)));
}

test('generateText runs the tool loop', async () => {
  const {steps, text} = await generateText(question());
  checkSteps(steps, text);
});

test('streamText runs the tool loop', async () => {
  const result = streamText(question());
  const kinds = new Set();
  for await (const part of result.fullStream) {
    assert.notEqual(part.type, 'error', String(part.error));
    kinds.add(part.type);
  }
  for (const kind of ['reasoning-delta', 'text-delta', 'tool-input-delta', 'tool-call', 'tool-result']) {
    assert.ok(kinds.has(kind), kind);
  }
  checkSteps(await result.steps, await result.text);
});

test('an object is held to its schema', async () => {
  const {output} = await generateText({
    model,
    maxRetries: 0,
    maxOutputTokens: 300,
    providerOptions: {anthropic: {thinking: {type: 'disabled'}, structuredOutputMode: 'outputFormat'}},
    output: Output.object({schema: z.object({size: z.enum(['small', 'large']), warm: z.boolean()})}),
    prompt: 'Describe an elephant.'
  });
  assert.ok(['small', 'large'].includes(output.size));
});

test('an aborted stream ends its request', async () => {
  const controller = new AbortController();
  const {fullStream} = streamText(
      {...question(), tools: undefined, prompt: 'Count up', abortSignal: controller.signal, onError() {}});
  for await (const part of fullStream) {
    if (part.type === 'text-delta') controller.abort();
  }
  const {n_cancelled} = await idleStatus(server.url);
  assert.ok(n_cancelled >= 1);
});

test('errors are the provider\'s own', async () => {
  await assert.rejects(
      generateText({model, maxRetries: 0, prompt: 'word '.repeat(200_000)}), (error) => {
        assert.ok(APICallError.isInstance(error), String(error));
        assert.equal(error.statusCode, 400);
        assert.match(error.message, /prompt is too long: \d+ tokens > \d+ maximum/);
        return true;
      });
});
