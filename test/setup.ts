// Property tests draw from one seed, so that the gate gives one answer; FC_SEED=$RANDOM npm run test:unit explores.
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 20151121) });
