// The directory's own page.
import { mount } from "./directory.js";

mount(document.getElementById("directory"));
