// The AI SDK with its OpenAI provider, which speaks responses, against jevons serve. It repeats what
// was said by item_reference if responses are stored, and by encrypted_content if they are not.
import {createOpenAI} from '@ai-sdk/openai';
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
  model = createOpenAI({baseURL: server.url + '/v1', apiKey: 'any'}).responses('nano');
});
after(() => server.stop());

const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({city: z.string()}),
  execute: async ({city}) => `-3 degrees in ${city}`
});

// The provider must be told that a model it does not know can reason.
const question = (store) => ({
  model,
  maxRetries: 0,
  maxOutputTokens: 500,
  tools: {weather},
  stopWhen: stepCountIs(4),
  providerOptions: {
    openai: {
      store,
      forceReasoning: true,
      reasoningSummary: 'auto',
      ...(store ? {} : {include: ['reasoning.encrypted_content']})
    }
  },
  prompt: 'What is the weather in Oslo?'
});

function checkSteps(steps, text) {
  assert.equal(steps.length, 2);
  assert.equal(steps[0].finishReason, 'tool-calls');
  assert.equal(steps[0].reasoningText, 'I must look.');
  assert.equal(steps[0].text, 'Let me look.');
  assert.deepEqual(steps[0].toolCalls.map((call) => call.input), [{city: 'Oslo'}]);
  assert.equal(steps[1].finishReason, 'stop');
  assert.equal(text, 'It is -3 degrees.');
  for (const {usage} of steps) assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  // The reasoning went back: the second prompt begins with all of the first step.
  const {usage} = steps[0];
  assert.ok(
      steps[1].usage.cachedInputTokens >= usage.inputTokens + usage.outputTokens - 64,
      JSON.stringify(steps.map((step) => step.usage)));
}

for (const store of [true, false]) {
  test(`generateText runs the tool loop, stored ${store}`, async () => {
    const {steps, text} = await generateText(question(store));
    checkSteps(steps, text);
  });

  test(`streamText runs the tool loop, stored ${store}`, async () => {
    const result = streamText(question(store));
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
}

test('an object is held to its schema', async () => {
  const {output} = await generateText({
    model,
    maxRetries: 0,
    maxOutputTokens: 200,
    providerOptions: {openai: {forceReasoning: true, reasoningEffort: 'none'}},
    output: Output.object({schema: z.object({size: z.enum(['small', 'large'])})}),
    prompt: 'Describe an elephant.'
  });
  assert.ok(['small', 'large'].includes(output.size));
});

test('an aborted stream ends its request', async () => {
  const abort = new AbortController();
  const result = streamText({model, maxRetries: 0, prompt: 'Count up', abortSignal: abort.signal});
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') abort.abort();
  }
  await idleStatus(server.url);
});

test('an error has its message and status', async () => {
  await assert.rejects(
      generateText({model, maxRetries: 0, prompt: 'word '.repeat(200_000)}),
      (error) => APICallError.isInstance(error) && error.statusCode === 400 &&
          /context length/.test(error.message));
});
