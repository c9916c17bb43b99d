// A page's worker that serves jobs, as a user writes it.
import { serveJobs } from "../../src/paper.js";

serveJobs(self);
