// SPDX-License-Identifier: Apache-2.0
// The request types of commands, as forms: what each does in plain words, and its fields.

const CLOUD_TAG = 16842753;
const secTag = {
	name: "secTag",
	label: "Security tag",
	kind: "number",
	value: String(CLOUD_TAG),
	min: 0,
	max: 2147483647,
	help: `Where the device keeps it. ${CLOUD_TAG} is the one of its cloud credentials.`,
};
const pem = (what) => ({
	name: "content",
	label: what,
	kind: "area",
	help: "PEM text, from -----BEGIN to -----END.",
});

export const TYPES = [
	{
		type: "cloudAccessKeyGeneration",
		title: "Generate the cloud key",
		help: "The device makes a new private key; its public half is registered for the cloud login.",
		fields: [secTag],
	},
	{
		type: "clientPrivateKeyGeneration",
		title: "Generate a private key",
		help: "The device makes a new private key and keeps it to itself.",
		fields: [secTag],
	},
	{
		type: "certificateSigningRequest",
		title: "Issue a certificate",
		help: "The device makes a key and a signing request; the service answers with a certificate.",
		fields: [
			secTag,
			{
				name: "attributes",
				label: "Attributes",
				kind: "text",
				value: "",
				optional: true,
				help: "For example O=Example,CN=device-1",
			},
			{
				name: "keyUsage",
				label: "Key usage",
				kind: "text",
				value: "101010000",
				help: "Nine digits, as the device's key generation takes them.",
			},
		],
	},
	{
		type: "serverCertificate",
		title: "Install a CA certificate",
		help: "Whom the device trusts when it connects with this security tag.",
		fields: [secTag, pem("CA certificate")],
	},
	{
		type: "clientCertificate",
		title: "Install a client certificate",
		help: "Replaces the certificate under this tag.",
		fields: [secTag, pem("Certificate")],
	},
	{
		type: "clientPrivateKey",
		title: "Install a private key",
		help: "Better: let the device generate one, then it never travels.",
		fields: [
			secTag,
			pem("Private key"),
			{name: "password", label: "Password of the key", kind: "password", optional: true},
		],
	},
	{
		type: "preSharedKey",
		title: "Install a pre-shared key",
		help: "Replaces the pre-shared key under this tag.",
		fields: [
			secTag,
			{name: "content", label: "Key", kind: "password", help: "Hexadecimal, at most 64 bytes."},
		],
	},
	{
		type: "pskIdentity",
		title: "Install a pre-shared key's identity",
		help: "The name that goes with a pre-shared key.",
		fields: [secTag, {name: "content", label: "Identity", kind: "text", value: ""}],
	},
	{
		type: "endorsementKeyGeneration",
		title: "Generate the endorsement key",
		help: "Generates it, or answers with the one that is there.",
		fields: [secTag],
	},
	{
		type: "config",
		title: "Configure",
		help: "Sets what the device's own list of allowed keys permits.",
		fields: [{name: "", label: "Settings", kind: "pairs", help: "One key=value per line, at most 10."}],
	},
	{
		type: "atCommand",
		title: "Run an AT command",
		help: "%CMNG, %KEYGEN or %ATTESTTOKEN as they are on the wire.",
		fields: [
			{
				name: "setCommand",
				label: "Command",
				kind: "choice",
				options: ["%CMNG", "%KEYGEN", "%ATTESTTOKEN"],
			},
			{name: "parameters", label: "Parameters", kind: "text", value: "", optional: true},
			{
				name: "ignoreCmeErrors",
				label: "Error codes to ignore",
				kind: "numbers",
				optional: true,
				help: "Separated by spaces, at most 6.",
			},
		],
	},
	{type: "finished", title: "Finish the run", help: "Ends the device's provisioning run.", fields: []},
];

export const titleOf = (type) => TYPES.find((t) => t.type === type)?.title ?? String(type ?? "command");

export const typeOf = (request) => Object.keys(request ?? {})[0] ?? "";
