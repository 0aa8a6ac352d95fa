// SPDX-License-Identifier: Apache-2.0
import {shortId} from "./dom.js";

// What people call a device.
export const nameOf = (device) => device.name || `Device ${shortId(device.id)}`;
