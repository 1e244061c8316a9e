/** The agent of score.yaml: a model that the environment names, or a scripted one. */
import { modelAgent, modelFromEnvironment } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { prices } from './crew.ts';

const name = process.env['MODEL'];
export default modelAgent({
  name: 'motto',
  prompt: 'Write a motto for an orchestra without a conductor.',
  model:
    name === undefined
      ? scriptedModel({ provider: 'north', modelId: 'small', script: () => 'All together, in time.' })
      : await modelFromEnvironment(name, process.env),
  maxOutputTokens: 300,
  ...(name === undefined ? { prices } : {}), // made up, for the scripted one; a real one's are looked up
});
