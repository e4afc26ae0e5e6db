"""The helper that runs inside applications: real openai, anthropic and Langfuse SDKs, servers on loopback."""
