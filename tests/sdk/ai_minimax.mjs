// MiniMax's own provider for the AI SDK, which asks for reasoning_details and sends them back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { createMinimaxOpenAI } from 'vercel-minimax-ai-provider';

import { answers, greeting, weatherSchema } from './openai_scripts.mjs';
import { startServer } from './server.mjs';

let server, model;
before(async () => {
  server = await startServer({ answers });
  model = createMinimaxOpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any' })('MiniMax-M2');
});
after(() => server.stop());

test('a stream with its reasoning', async () => {
  let text = '', reasoning = '';
  const { fullStream } = streamText({ model, prompt: 'Say a greeting', maxRetries: 0 });
  for await (const part of fullStream) {
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'reasoning-delta') reasoning += part.text;
    assert.notEqual(part.type, 'error', `${part.error}`);
  }
  assert.equal(text, greeting);
  assert.equal(reasoning, 'They say hello.');
});

test('a tool loop', async () => {
  const { text, steps } = await generateText({
    model, prompt: 'weather in Paulo', maxRetries: 0, stopWhen: stepCountIs(4),
    tools: {
      weather: tool({
        inputSchema: jsonSchema(weatherSchema),
        execute: async ({ city }) => `sunny in ${city}`,
      }),
    },
  });
  assert.equal(text, 'It is sunny.');
  assert.equal(steps[0].reasoningText, 'I must look.');
});
