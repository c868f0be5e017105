// The AI SDK's provider for OpenAI-compatible servers: its own streams and tool loop.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';

import { answers, greeting, weatherSchema } from './openai_scripts.mjs';
import { startServer } from './server.mjs';

let server, model;
before(async () => {
  server = await startServer({ answers });
  const provider = createOpenAICompatible({
    name: 'jevons', baseURL: `${server.url}/v1`, includeUsage: true,
    supportsStructuredOutputs: true,
  });
  model = provider.chatModel('nano');
});
after(() => server.stop());

const weather = (asked) => tool({
  description: 'The weather',
  inputSchema: jsonSchema(weatherSchema),
  execute: async (input) => {
    asked.push(input);
    return `sunny in ${input.city}`;
  },
});

test('generateText', async () => {
  const { text, reasoningText, finishReason, usage } =
    await generateText({ model, prompt: 'Say a greeting', maxRetries: 0 });
  assert.equal(text, greeting);
  assert.equal(reasoningText, 'They say hello.');
  assert.equal(finishReason, 'stop');
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  assert.ok(usage.outputTokenDetails.reasoningTokens > 0);
});

test('streamText', async () => {
  const { fullStream } = streamText({ model, prompt: 'Say a greeting', maxRetries: 0 });
  const kinds = [];
  let text = '', reasoning = '';
  for await (const part of fullStream) {
    if (kinds.at(-1) !== part.type) kinds.push(part.type);
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'reasoning-delta') reasoning += part.text;
    assert.notEqual(part.type, 'error', `${part.error}`);
  }
  assert.equal(text, greeting);
  assert.equal(reasoning, 'They say hello.');
  assert.deepEqual(kinds, ['start', 'start-step', 'reasoning-start', 'reasoning-delta',
                           'reasoning-end', 'text-start', 'text-delta', 'text-end', 'finish-step',
                           'finish']);
});

test('the tool loop, which is read on from the cache', async () => {
  const asked = [];
  const { text, steps } = await generateText({
    model, prompt: `weather in Paulo ${'and more words '.repeat(40)}`, maxRetries: 0,
    tools: { weather: weather(asked) }, stopWhen: stepCountIs(4),
  });
  assert.equal(text, 'It is sunny.');
  assert.deepEqual(asked, [{ city: 'São "Paulo"', days: 3 }]);
  assert.equal(steps.length, 2);
  assert.equal(steps[0].finishReason, 'tool-calls');
  const before = steps[0].usage.inputTokens + steps[0].usage.outputTokens;
  assert.ok(steps[1].usage.inputTokenDetails.cacheReadTokens > before - 64,
            `${steps[1].usage.inputTokenDetails.cacheReadTokens} of ${before}`);
});

test('the tool loop, streamed', async () => {
  const asked = [];
  const result = streamText({
    model, prompt: 'weather in Paulo', maxRetries: 0, tools: { weather: weather(asked) },
    stopWhen: stepCountIs(4),
  });
  let input = '';
  for await (const part of result.fullStream) {
    if (part.type === 'tool-input-delta') input += part.delta;
    assert.notEqual(part.type, 'error', `${part.error}`);
  }
  assert.equal(await result.text, 'It is sunny.');
  assert.deepEqual(JSON.parse(input), asked[0]);
});

test('structured output', async () => {
  const schema = {
    type: 'object', properties: { kind: { type: 'string', enum: ['cat', 'dog'] } },
    required: ['kind'], additionalProperties: false,
  };
  const { output } = await generateText({
    model, prompt: 'anything', maxRetries: 0, maxOutputTokens: 400,
    providerOptions: { jevons: { reasoningEffort: 'none' } },
    output: Output.object({ schema: jsonSchema(schema) }),
  });
  assert.ok(['cat', 'dog'].includes(output.kind));
});

test('errors', async () => {
  await assert.rejects(
    generateText({ model, prompt: 'too long '.repeat(300000), maxRetries: 0 }),
    (error) => error.statusCode === 400 && /maximum context length/.test(error.message));
});
