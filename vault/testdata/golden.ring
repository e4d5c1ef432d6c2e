{
	"format": "berkas/ring/v1",
	"keys": [
		{
			"kid": "AAECAwQFBgcICQoLDA0ODw",
			"key": "bm90IGEgc2VjcmV0OiB0aGUgZmlyc3QgdGVzdCBrZXk=",
			"case": "01759a2b-7c00-7000-8000-0000000000c1",
			"holder": "r1",
			"created": "2026-11-21T05:00:00Z"
		},
		{
			"kid": "EBESExQVFhcYGRobHB0eHw",
			"key": "bm90IGEgc2VjcmV0OiBzZWNvbmQgdGVzdGluZyBrZXk=",
			"case": "01759a2b-7c00-7000-8000-0000000000c1",
			"holder": "reporter",
			"created": "2026-11-21T05:00:00Z"
		}
	]
}
