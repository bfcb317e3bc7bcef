// The worklist's own page.
import { mount } from "./duties.js";

mount(document.getElementById("worklist"));
